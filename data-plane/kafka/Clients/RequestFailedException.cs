using Brokkr.Kafka.Native;

namespace Brokkr.Kafka.Clients;

/// <summary>The inner exception of a request that failed as a whole.</summary>
/// <param name="code">The client's or the protocol's code, see <see cref="ErrorCodes"/>.</param>
/// <param name="message">What the client says about it.</param>
internal sealed class RequestFailedException(int code, string message) : Exception(message)
{
    /// <summary>The client's or the protocol's code, see <see cref="ErrorCodes"/>.</summary>
    public int Code => code;
}
