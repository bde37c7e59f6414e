"""Tests, as a package: files of one name in two folders do not collide."""
