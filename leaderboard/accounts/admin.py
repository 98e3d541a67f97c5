from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from leaderboard.accounts.models import Membership, Team, User


@admin.register(User)
class PersonAdmin(UserAdmin):
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Mail", {"fields": ("wants_mail",)}))


class MembershipInline(admin.TabularInline):
    model = Membership
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "created")
    search_fields = ("name", "slug", "members__username")
    readonly_fields = ("slug",)
    inlines = (MembershipInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
