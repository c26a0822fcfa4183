"""The doors to the world outside: hosts, servers, the clock; and `perform`, which alone changes it."""
