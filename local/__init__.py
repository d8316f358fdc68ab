"""The local stack: the product's own template on an emulator of AWS, with simulators of the vendors around it."""
