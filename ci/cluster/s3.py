"""The image of the S3 server that stands for cloud storage in tests: upstream's versitygw where a registry answers, else ours."""

from ci.cluster import images, registry, source, store
from ci.cluster.kind import Kind
from ci.cluster.versions import versions

RECIPE = images.IMAGES / "versitygw"


def upstream() -> str:
    """The image's name at the registry, under which a cluster has it."""
    return versions()["pull"]["s3"]


def ensure() -> str:
    """Name of the image in the engine, which has it when this returns: upstream's name only if it is upstream's image."""
    return registry.pull(upstream()) if registry.answers() else own()


def own() -> str:
    """Name of the image that we build, built if its inputs are new."""
    program = source.binaries("servers") / "versitygw"

    def make(name: str) -> None:
        with images.context(RECIPE) as context:
            context.link(program, program.name)
            images.docker_build(name, context.folder)

    return images.built("versitygw", store.key(RECIPE, program.parent.name), "S3 server image", make)


def load(cluster: Kind) -> None:
    """Makes sure that the node has the image, under upstream's name."""
    cluster.load(ensure(), upstream())
