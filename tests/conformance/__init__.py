"""Is a release of TorchServe on KServe right? Run it against your own, on any cluster: docs/conformance.md."""
