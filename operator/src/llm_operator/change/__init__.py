"""What a change does, before it is applied: (live RayService, wanted RayService) → Change. Pure."""
