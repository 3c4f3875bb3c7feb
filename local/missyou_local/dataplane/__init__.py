"""What runs behind the records of the test AWS: PostgreSQL servers, processes of the app, load balancers."""

#: Folders of a data plane that hold records of its processes.
TASKS, DATABASES = "tasks", "databases"
