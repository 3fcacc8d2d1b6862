"""What people type, in words, phrases and operators."""
