"""Users, roles and tokens in the admin's tables."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.authtoken.admin import TokenAdmin as FrameworkTokenAdmin
from rest_framework.authtoken.models import TokenProxy
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

for model in (User, Group, TokenProxy):
    admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """People and their roles."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "roles", "email", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "usable_password", "password1", "password2", "groups"),
                "description": "The role decides what the person may do: viewer reads, annotator labels, "
                "curator also imports, splits, trains and promotes, admin does everything.",
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[User]":
        """Fetch the roles of all people at once."""
        return super().get_queryset(request).prefetch_related("groups")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Let a new person in: without this flag the sign-in page turns them away."""
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        """The groups a person is in."""
        named = ", ".join(group.name for group in user.groups.all())
        return named or ("superuser" if user.is_superuser else "none: may see nothing")


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Roles."""


@admin.register(TokenProxy)
class TokenAdmin(FrameworkTokenAdmin, ModelAdmin):  # type: ignore[misc]
    """REST tokens: who has one since when."""

    list_display = ("user", "created")
