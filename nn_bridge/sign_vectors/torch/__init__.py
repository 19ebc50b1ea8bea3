"""The edge subdivision on torch tensors, on the CPU or a GPU."""
