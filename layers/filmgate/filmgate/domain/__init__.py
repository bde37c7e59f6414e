"""What is true about money, prices, chains and attempts. No AWS, no HTTP, no clock in here."""
