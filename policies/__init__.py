"""What is forbidden or warned about: small rules over plain resources.

The same rule objects run in process over a plan (`policies.evaluate.evaluate`) and as a real Pulumi policy pack
(`policies/__main__.py`). Rules see engine-side property names and import nothing of the platform but the catalogue.
"""
