"""The gateway to price lists, beside kube/: for workers alone. Only `google_catalog` knows Google's library."""
