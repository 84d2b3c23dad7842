"""The shapes that the REST API takes and answers; OpenAPI is made from them."""
