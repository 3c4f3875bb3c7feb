"""Development tools that the Makefile runs. They do not ship, except for the installer in the images' build stages."""
