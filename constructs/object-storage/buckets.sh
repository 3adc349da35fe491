#!/bin/sh
# Makes the buckets listed in /config/buckets and gives each what is declared: versioning, lifecycle, policy, tags. Run
# again, it writes the same once more and nothing changes; nothing is ever deleted. A line of the list is the bucket, its
# versioning (Enabled or Suspended), its quota (not for here) and its purpose.
set -eu

work=/tmp/buckets
mkdir -p $work

s3() { aws --endpoint-url '@URL@' --cli-connect-timeout 5 --cli-read-timeout 20 --output text s3api "$@"; }

refuse() {
  echo "$1" >&2
  cat $work/answer >&2
  exit 1
}

# there BUCKET: whether it is there; waits five minutes for a service that does not answer yet
there() {
  attempt=1
  until s3 head-bucket --bucket "$1" > $work/answer 2>&1; do
    case $(cat $work/answer) in
      *'(404)'*) return 1 ;;
      *'(403)'*) refuse "$1: it is somebody else's, or these keys may not see it" ;;
    esac
    [ "$attempt" -lt 60 ] || refuse "$1: @URL@ has given no good answer for five minutes, the last one was"
    attempt=$((attempt + 1))
    sleep 5
  done
}

# apply BUCKET COMMAND [ARGUMENT...]
apply() {
  bucket=$1 command=$2
  shift 2
  s3 "$command" --bucket "$bucket" "$@" > $work/answer 2>&1 || refuse "$bucket: $command was refused"
}

# expect BUCKET COMMAND QUERY VALUE: reads back what was written, for some services accept what they do not keep
expect() {
  found=$(s3 "$2" --bucket "$1" --query "$3" 2> $work/answer) || refuse "$1: $2 was refused"
  [ "$found" = "$4" ] || { echo "$1: $2 gives $3 as \"$found\", \"$4\" was written" >&2; exit 1; }
}

while read -r bucket versioning _quota purpose; do
  if ! there "$bucket"; then
    # The one region that must not be named.
    if [ "$AWS_REGION" = us-east-1 ]; then
      apply "$bucket" create-bucket
    else
      apply "$bucket" create-bucket --create-bucket-configuration "LocationConstraint=$AWS_REGION"
    fi
    echo "$bucket: made"
  fi
  apply "$bucket" put-bucket-versioning --versioning-configuration "Status=$versioning"
  apply "$bucket" put-bucket-lifecycle-configuration --lifecycle-configuration "file:///config/$bucket.lifecycle.json"
  apply "$bucket" put-bucket-policy --policy "file:///config/$bucket.transport.json"
  apply "$bucket" put-bucket-tagging --tagging "TagSet=[{Key=purpose,Value=$purpose}]"
  expect "$bucket" get-bucket-versioning Status "$versioning"
  expect "$bucket" get-bucket-tagging 'TagSet[].Value' "$purpose"
  echo "$bucket: as declared"
done < /config/buckets
