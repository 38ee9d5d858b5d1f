"""The commands of `sedir`, one file each. They import the heavy parts late, so that `sedir --help` is instant."""
