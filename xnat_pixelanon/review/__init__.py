"""The review page: groups, boxes, rules and policy in a browser; and its loopback server."""
