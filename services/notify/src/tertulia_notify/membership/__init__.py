"""Which event is for whom; who belongs where is kept by `tertulia_shared.membership`."""
