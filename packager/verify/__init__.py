"""Runs a model in the clients that apps use, and compares their predictions with packager's."""

from packager.verify.environment import CLIENTS
from packager.verify.report import ClientReport, Disagreement, verify_model

__all__ = ["CLIENTS", "ClientReport", "Disagreement", "verify_model"]
