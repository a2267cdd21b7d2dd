"""Who makes the jobs of a study: processes of this machine, a Ray cluster, or workers under Slurm."""
