"""Users, roles and tokens in the admin's tables."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rest_framework.authtoken.admin import TokenAdmin as FrameworkTokenAdmin
from rest_framework.authtoken.models import TokenProxy
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from datasets.models import Label, LabelBatch

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

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name those whom the history of labels needs; `objs` are the users that somebody wants deleted."""
        kept = [_kept(user) for user in objs if _has_labelled(user)]
        return ([], {}, set(), kept) if kept else super().get_deleted_objects(objs, request)

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        """The groups a person is in."""
        named = ", ".join(group.name for group in user.groups.all())
        return named or ("superuser" if user.is_superuser else "none: may see nothing")


def _has_labelled(user: User) -> bool:
    """Whether a label or a batch of labels bears this person's name."""
    return any(model._base_manager.filter(author=user).exists() for model in (Label, LabelBatch))


def _kept(user: User) -> SafeString:
    """Say why a person stays, and what to do instead."""
    return format_html(
        "The labels of {0}: their history keeps who said what. "
        '<a class="link" href="{1}">Deactivate {0}</a> instead: untick Active, and nobody can sign in so.',
        user.get_username(),
        reverse("admin:auth_user_change", args=(user.pk,)),
    )


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Roles."""


@admin.register(TokenProxy)
class TokenAdmin(FrameworkTokenAdmin, ModelAdmin):  # type: ignore[misc]
    """REST tokens: who has one since when."""

    list_display = ("user", "created")
