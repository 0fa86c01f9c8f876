"""What two spam filters make of whole mornings of mail."""
