"""What really runs behind the records of the test AWS: PostgreSQL servers, processes of the app, load balancers."""
