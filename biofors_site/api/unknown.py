"""Every other address below /api/: an error in the API's own shape; included after all routes."""

from django.urls import path

from biofors_site.api.views import unknown_address

urlpatterns = [path("", unknown_address), path("<path:path>", unknown_address)]
