namespace Brokkr.Core;

/// <summary>What failures say.</summary>
public static class FailureText
{
    /// <summary>The message with that of its cause: of a connection that cannot be made, or is not secure, only the cause tells why.</summary>
    public static string WithCause(this Exception failure) =>
        failure.InnerException is { } cause ? $"{failure.Message} {cause.Message}" : failure.Message;
}
