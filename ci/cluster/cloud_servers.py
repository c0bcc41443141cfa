"""Images of the servers that stand for cloud storage in tests: upstream's where a registry answers, else ours.

`S3` is versitygw, `GCS` fake-gcs-server.
"""

from dataclasses import dataclass

from ci.cluster import images, registry, source, store
from ci.cluster.kind import Kind
from ci.cluster.versions import versions


@dataclass(frozen=True)
class CloudServer:
    """One server.

    Attributes:
        row: its row in the table of what is pulled.
        program: its name in ci/source/servers, and its recipe's in ci/images.
    """

    row: str
    program: str

    def upstream(self) -> str:
        """The image's name at the registry, under which a cluster has it."""
        return versions()["pull"][self.row]

    def ensure(self) -> str:
        """Name of the image in the engine, which has it when this returns: upstream's name only if it is upstream's image."""
        return registry.pull(self.upstream()) if registry.answers() else self.own()

    def own(self) -> str:
        """Name of the image that we build, built if its inputs are new."""
        recipe, program = images.IMAGES / self.program, source.binaries("servers") / self.program

        def make(name: str) -> None:
            with images.context(recipe) as context:
                context.link(program, program.name)
                images.docker_build(name, context.folder)

        return images.built(self.program, store.key(recipe, program.parent.name), f"{self.program} image", make)

    def load(self, cluster: Kind) -> None:
        """Makes sure that the node has the image, under upstream's name."""
        cluster.load(self.ensure(), self.upstream())


S3 = CloudServer("s3", "versitygw")
GCS = CloudServer("gcs", "fake-gcs-server")
