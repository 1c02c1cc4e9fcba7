namespace Brokkr.Kafka.Groups;

/// <summary>What was received is not what the Kafka protocol says. The connection that it came from is of no more use.</summary>
internal sealed class ProtocolException(string message) : Exception(message);

/// <summary>There is no connection to a broker, or it broke before the answer came. Another attempt may succeed.</summary>
internal sealed class ConnectionLostException(string message, Exception? inner = null) : Exception(message, inner);
