"""People."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who signs in with a name or an email address and a password."""
