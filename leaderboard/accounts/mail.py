"""Mail in the site's own name, and what pages may promise of it."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class Adapter(DefaultAccountAdapter):
    """Allauth's, with the site's name and address in every mail's template."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        address = self.request.build_absolute_uri("/") if self.request else ""
        about = {"site_name": settings.SITE_NAME, "site_address": address}
        super().send_mail(template_prefix, email, context | about)


def about_mail(request: HttpRequest) -> dict[str, bool]:
    """For templates: whether addresses are verified, and whether mail is only written to files."""
    return {
        "addresses_are_verified": settings.ACCOUNT_EMAIL_VERIFICATION != "none",
        "mail_goes_to_files": settings.EMAIL_BACKEND.endswith(".filebased.EmailBackend"),
    }
