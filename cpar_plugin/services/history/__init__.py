"""What happened to a patient and to a panel: every change with who, when and how, and every submission."""
