"""What every change needs: the clinic and its lock, the permission, the operation that records who changed what."""
