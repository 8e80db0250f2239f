# The AWS CLI: identity, s3 commands with a large file, a training job that is waited for, its logs; no endpoint is named.
set -eu
role=$1
place=$2
cd "$place"
name="sagemaker-cli-$$-$(date +%s)"
aws sts get-caller-identity > identity.json
aws s3 mb "s3://$name"
printf '1,0.9\n0,0.1\n1,0.8\n0,0.2\n' > train.csv
aws s3 cp --quiet train.csv "s3://$name/train/train.csv"
image=683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1
source="S3DataType=S3Prefix,S3Uri=s3://$name/train/"
aws sagemaker create-training-job \
    --training-job-name "$name" \
    --role-arn "$role" \
    --algorithm-specification "TrainingImage=$image,TrainingInputMode=File" \
    --hyper-parameters objective=binary:logistic,num_round=5 \
    --input-data-config "ChannelName=train,ContentType=csv,DataSource={S3DataSource={$source}}" \
    --output-data-config "S3OutputPath=s3://$name/output" \
    --resource-config InstanceType=ml.m5.large,InstanceCount=1,VolumeSizeInGB=10 \
    --stopping-condition MaxRuntimeInSeconds=600 > created.json
aws sagemaker list-training-jobs --name-contains "$name" --query 'TrainingJobSummaries[].TrainingJobName' \
    --output text > jobs.txt
head -c 20000000 /dev/urandom > big.bin
aws s3 cp --quiet big.bin "s3://$name/big.bin"
aws s3 cp --quiet "s3://$name/big.bin" back.bin
cmp big.bin back.bin
mkdir -p tree/sub
echo one > tree/one.txt
echo two > "tree/sub/two words.txt"
aws s3 sync --quiet tree "s3://$name/tree"
aws s3 cp --quiet "s3://$name/tree/one.txt" "s3://$name/copied/one.txt"
echo more > tree/more.txt
rm tree/one.txt
aws s3 sync --delete tree "s3://$name/tree" > synced.txt
aws s3 sync --quiet "s3://$name/tree" down
aws s3 ls --recursive "s3://$name" > listed.txt
aws s3 presign "s3://$name/copied/one.txt" > presigned.txt
curl -fsS "$(cat presigned.txt)" > fetched.txt
aws sagemaker wait training-job-completed-or-stopped --training-job-name "$name"
aws sagemaker describe-training-job --training-job-name "$name" > described.json
aws logs describe-log-streams --log-group-name /aws/sagemaker/TrainingJobs --log-stream-name-prefix "$name/" > streams.json
aws logs filter-log-events --log-group-name /aws/sagemaker/TrainingJobs --log-stream-name-prefix "$name/" \
    --filter-pattern '"train-logloss"' --query 'events[].message' --output text > rounds.txt
aws s3 rb --force "s3://$name" > removed.txt
aws s3 ls > buckets.txt
echo "$name" > name.txt
