"""The demo's data. It is made by the product's own actions, so it is validated and audited like everything else."""
