"""The stores of production fail under load; pictures are counted, not statuses."""
