terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.46"
    }
    dns = {
      source  = "hashicorp/dns"
      version = "~> 3.6"
    }
  }
}
