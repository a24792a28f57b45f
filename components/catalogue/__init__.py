"""Facts as data: hardware, prices, add-ons. Reads only its own packaged tables; no Pulumi, no clock, no network."""
