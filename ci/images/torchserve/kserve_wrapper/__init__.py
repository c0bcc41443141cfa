"""KServe's model server in front of TorchServe, on KServe's Python SDK: the wrapper flavour of the chart."""
