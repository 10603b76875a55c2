"""A Jupyter server extension: the imports begin with the server, so that the first kernel need not wait for them.

`tlcourse learn` enables it for the server that it starts, and for no other.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from typing import Any

from tlcourse.kernels import fitness, shared
from tlcourse.kernels.nursery import NurseryError

_PROVISIONER = "tlcourse-warm"


def server_options() -> list[str]:
    """Arguments that make a Jupyter server use warm kernels; none where it would not know them or have no use."""
    known = entry_points(group="jupyter_client.kernel_provisioners", name=_PROVISIONER)
    if sys.platform != "linux" or not known:  # unknown: installed before the package had them
        return []
    return [
        f"--KernelProvisionerFactory.default_provisioner_name={_PROVISIONER}",
        f"--ServerApp.jpserver_extensions={__name__}=True",
    ]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    kernel = [sys.executable, "-m", "ipykernel_launcher"]
    if reason := fitness.why_cold(kernel, os.environ):
        serverapp.log.info("Kernels start cold: %s.", reason)
        return
    try:
        shared.nursery()
    except NurseryError as error:
        serverapp.log.info("Kernels start cold: %s", error)
