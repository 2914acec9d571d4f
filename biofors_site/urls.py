"""All doors: pages, admin, REST."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from biofors_site.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    # The admin's own start page lists tables; Home is where one starts.
    path("admin/", RedirectView.as_view(pattern_name="home")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("biofors_site.api.urls")),
    # Early: nothing is asked as often as `classify/`, and each pattern before it costs.
    path("api/v1/", include("classifier.api.urls")),
    path("api/v1/", include("datasets.api.urls")),
    path("api/v1/", include("training_jobs.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("api/", include("biofors_site.api.unknown")),
    path("", include("biofors_site.pages.urls")),
    path("", include("datasets.admin.urls")),
    path("", include("training_jobs.admin.urls")),
    path("", include("classifier.admin.urls")),
]
