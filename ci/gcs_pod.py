"""A server of Google Cloud Storage inside the cluster, for everybody in it, filled through the API server."""

from dataclasses import dataclass

import kubernetes

from ci import pods, route
from ci.gcs_client import Gcs

NAME, PORT = "gcs", 4443
PROGRAM = "/bin/fake-gcs-server"


def arguments(public_host: str) -> list[str]:
    """The program's, to serve from memory; it takes other hosts for buckets of its `public_host`."""
    return ["-scheme", "http", "-port", str(PORT), "-backend", "memory", "-public-host", public_host]


@dataclass(frozen=True)
class GcsPod:
    """The server of one namespace.

    Attributes:
        image: fake-gcs-server's, which the nodes have or can pull.
    """

    api: kubernetes.client.ApiClient
    namespace: str
    image: str

    @property
    def url(self) -> str:
        """Where it is in the cluster: Google's libraries read it from the variable STORAGE_EMULATOR_HOST."""
        return f"http://{NAME}.{self.namespace}.svc"

    def start(self) -> Gcs:
        """Creates the pod and its Service, and waits until it serves; returns a client of it."""
        pod = pods.pod(NAME, self.image, {}, command=[PROGRAM], args=arguments(f"{NAME}.{self.namespace}.svc"))
        pods.serve(self.api, self.namespace, pod, PORT)
        return Gcs(route.through_api_server(self.api, self.namespace, NAME))
