"""Where providers call: below /hooks/."""

from django.urls import path, re_path

from . import email, sms, twilio

urlpatterns = [
    path("twilio/inbound", twilio.inbound, name="hook_twilio_inbound"),
    path("twilio/status", twilio.status, name="hook_twilio_status"),
    path("sms/inbound", sms.inbound, name="hook_sms_inbound"),
    path("sms/status", sms.status, name="hook_sms_status"),
    *(re_path(rf"^anymail/{place}/?$", view) for place, view in email.views()),
]
