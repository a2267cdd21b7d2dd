"""What a run knows of single questions: verdicts, answers, membership scores, questions, pictures."""
