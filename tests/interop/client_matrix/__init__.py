"""What clients_test.py is made of: the records, the clients and how they are had, their processes, the page."""
