namespace Brokkr.Kafka.Groups;

/// <summary>A request that was sent and whose answer is awaited. Answers come in the order of the requests.</summary>
internal abstract class PendingRequest(int correlation, long sent)
{
    /// <summary>The number that its answer carries.</summary>
    public int Correlation { get; } = correlation;

    /// <summary>When it was sent, as a timestamp of the connection's clock.</summary>
    public long Sent { get; } = sent;

    /// <summary>Takes the answer.</summary>
    /// <exception cref="ProtocolException">It cannot be read; the request is still to be failed.</exception>
    public abstract void Complete(ref FrameReader reader);

    /// <summary>Tells that there will be no answer.</summary>
    public abstract void Fail(Exception exception);
}

/// <inheritdoc/>
internal sealed class PendingRequest<T>(Request<T> request, short version, int correlation, long sent) : PendingRequest(correlation, sent)
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Answer => _answer.Task;

    public override void Complete(ref FrameReader reader) => _answer.TrySetResult(request.Read(ref reader, version));

    public override void Fail(Exception exception) => _answer.TrySetException(exception);
}
