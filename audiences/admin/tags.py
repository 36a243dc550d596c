"""Tags in the console, with who and what has each."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _, ngettext

from audiences import tags
from audiences.console.numbers import grouped
from audiences.console.pages import PlainAdmin
from audiences.models import ProfileTag, Tag
from audiences.refusals import Refused
from audiences.tags import BadTag


class TagForm(forms.ModelForm[Any]):
    """A tag, whose name the domain reads."""

    class Meta:
        model = Tag
        fields = ("name", "audiences")
        widgets = {"audiences": forms.CheckboxSelectMultiple}

    def clean_name(self) -> str:
        try:
            return tags.read_names(self.cleaned_data["name"] + ";")[0]
        except (BadTag, IndexError) as error:
            raise forms.ValidationError(str(error)) from error

    def save(self, commit: bool = True) -> Any:
        if not self.instance.pk:
            name = self.cleaned_data["name"]
            self.instance = tags.ensure([name])[name]
        return super().save(commit)


@admin.register(Tag)
class TagAdmin(PlainAdmin):
    """Tags, with how many people, audiences and deliveries have each."""

    form = TagForm
    list_display = ("name", "people_count", "audience_count")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        rows: QuerySet[Tag] = super().get_queryset(request)
        return rows.annotate(of_audiences=Count("audiences", distinct=True))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With how many people have the tags of the page, in one statement."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        held = ProfileTag.objects.filter(tag__in=rows).order_by().values_list("tag_id")
        counts = dict(held.annotate(people=Count("profile_id")))
        for row in rows:
            row.of_people = counts.get(row.pk, 0)
        changelist.result_list = rows
        return changelist

    @admin.display(description=_("people"))
    def people_count(self, tag: Tag) -> str:
        return grouped(getattr(tag, "of_people", 0))

    @admin.display(description=_("audiences"))
    def audience_count(self, tag: Tag) -> str:
        return grouped(getattr(tag, "of_audiences", 0))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        protected = [f"{o}: {used}" for o in objs for used in tags.used_by(o)]
        refused = any(not self.has_delete_permission(request, o) for o in objs)
        lacking = {str(self.opts.verbose_name)} if refused else set()
        listed = []
        for tag in objs:
            number = tag.people.count()
            text = ngettext(
                "{tag}: on {number} person", "{tag}: on {number} people", number
            )
            listed.append(text.format(tag=tag, number=grouped(number)))
        return (
            listed,
            {str(Tag._meta.verbose_name_plural): len(objs)},
            lacking,
            protected,
        )

    def delete_model(self, request: HttpRequest, obj: Tag) -> None:
        try:
            tags.delete_tag(obj)
        except Refused as error:
            messages.error(request, str(error))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for tag in queryset:
            self.delete_model(request, tag)
