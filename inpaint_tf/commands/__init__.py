"""The commands of `inpaint-tf`: thin absl mains over the library."""
