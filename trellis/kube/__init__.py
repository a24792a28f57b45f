"""Speaking with a Kubernetes API server: a small client, and who one is to it by a kubeconfig."""
