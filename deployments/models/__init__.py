"""Data, constraints and chainable querysets; no I/O, no save() overrides, no signals."""

from deployments.models.audit import AuditEvent, AuditReview, RefusedTries
from deployments.models.budget import Budget
from deployments.models.catalogue import HardwareProfile, MetadataPrefix, RegistryRule, Runtime
from deployments.models.cluster import Cluster, ClusterHealth, Installation, Namespace
from deployments.models.cost import PricePull, PriceTerm, PriceVersion
from deployments.models.deployment import Deployment, DeploymentState, Revision, ServedModel
from deployments.models.ledger import (
    ClosedMonth,
    CostDay,
    CostDue,
    NodeDay,
    NodeInterval,
    OpenNode,
    OpenPod,
    PodInterval,
)
from deployments.models.observation import ClusterEvent, Observation, Rollout, UsageSample
from deployments.models.people import LoginAttempt, Membership, Team, User
from deployments.models.permit import Permit
from deployments.models.personal import Draft, SavedView
from deployments.models.queues import QueueState
from deployments.models.requests import AuditCheck, CloudRequest, LogRequest, Proposal
from deployments.models.sleep import KeepAwake, SleepDecision, SleepRecord, SleepSchedule
from deployments.models.sleep_layers import HolidayCalendar, SleepFreeze, SleepGrant, SleepHolidays
from deployments.models.sleep_ledger import SleepEntry

__all__ = [
    "AuditCheck",
    "AuditEvent",
    "AuditReview",
    "Budget",
    "ClosedMonth",
    "CloudRequest",
    "Cluster",
    "ClusterEvent",
    "ClusterHealth",
    "CostDay",
    "CostDue",
    "Deployment",
    "DeploymentState",
    "Draft",
    "HardwareProfile",
    "HolidayCalendar",
    "Installation",
    "KeepAwake",
    "LogRequest",
    "LoginAttempt",
    "Membership",
    "MetadataPrefix",
    "Namespace",
    "NodeDay",
    "NodeInterval",
    "Observation",
    "OpenNode",
    "OpenPod",
    "Permit",
    "PodInterval",
    "PricePull",
    "PriceTerm",
    "PriceVersion",
    "Proposal",
    "QueueState",
    "RefusedTries",
    "RegistryRule",
    "Revision",
    "Rollout",
    "Runtime",
    "SavedView",
    "ServedModel",
    "SleepDecision",
    "SleepEntry",
    "SleepFreeze",
    "SleepGrant",
    "SleepHolidays",
    "SleepRecord",
    "SleepSchedule",
    "Team",
    "UsageSample",
    "User",
]
