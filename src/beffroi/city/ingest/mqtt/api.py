"""What other rooms may use of MQTT; the room's own ``api`` gives it on."""

from __future__ import annotations

from beffroi.city.ingest.mqtt.acl import Access, broker_access, configuration, write_files
from beffroi.city.ingest.mqtt.contracts import (
    PLAIN_PORT,
    TLS_PORT,
    AccountKind,
    AccountView,
    BrokerDescription,
    BrokerNotFound,
    BrokerProblem,
    BrokerRefused,
    BrokerView,
    IssuedPassword,
    Protocol,
    StateView,
    SubscriptionView,
)
from beffroi.city.ingest.mqtt.plans import BROKER_CHANNEL
from beffroi.city.ingest.mqtt.probe import broker_try
from beffroi.city.ingest.mqtt.selectors import (
    accounts_of,
    broker_get,
    broker_row,
    brokers_declared,
    brokers_list,
    subscriptions_of,
    topics_of_broker,
)
from beffroi.city.ingest.mqtt.services import (
    account_issue,
    account_revoke,
    address_of,
    broker_create,
    broker_enable,
    broker_update,
    subscription_add,
    subscription_remove,
)

__all__ = [
    "BROKER_CHANNEL",
    "PLAIN_PORT",
    "TLS_PORT",
    "Access",
    "AccountKind",
    "AccountView",
    "BrokerDescription",
    "BrokerNotFound",
    "BrokerProblem",
    "BrokerRefused",
    "BrokerView",
    "IssuedPassword",
    "Protocol",
    "StateView",
    "SubscriptionView",
    "account_issue",
    "account_revoke",
    "accounts_of",
    "address_of",
    "broker_access",
    "broker_create",
    "broker_enable",
    "broker_get",
    "broker_row",
    "broker_try",
    "broker_update",
    "brokers_declared",
    "brokers_list",
    "configuration",
    "subscription_add",
    "subscription_remove",
    "subscriptions_of",
    "topics_of_broker",
    "write_files",
]
