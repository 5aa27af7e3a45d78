"""What a relying party accepts: flags, options, appraisal, and which flags a report needs."""
