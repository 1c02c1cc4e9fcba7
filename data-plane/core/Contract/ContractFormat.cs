using Google.Protobuf;

namespace Brokkr.Core.Contract;

/// <summary>Bytes are no contract. The message says where and why.</summary>
public sealed class ContractFormatException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ContractFormatException(string message)
        : base(message) { }

    /// <summary>Creates the exception.</summary>
    public ContractFormatException(string message, Exception inner)
        : base(message, inner) { }

    /// <summary>Creates the exception.</summary>
    public ContractFormatException() { }
}

/// <summary>Reads contracts in the two forms that the control plane knows: JSON and protobuf (receiver-and-core §3.1, §3.2).</summary>
public static class ContractFormat
{
    /// <summary>Reads a contract in either form, which the first byte tells apart: no JSON text begins with the tag of a field of a contract.</summary>
    /// <exception cref="ContractFormatException">The bytes are no contract; no bytes at all are none either.</exception>
    public static Wire.Contract Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            throw new ContractFormatException("the contract is empty");
        }

        if (bytes[0] is not (GenerationTag or ResourcesTag or TrustBundlesTag))
        {
            return ContractJson.Read(bytes);
        }

        try
        {
            return Wire.Contract.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new ContractFormatException($"not valid protobuf: {e.Message}", e);
        }
    }

    private const byte GenerationTag = (1 << 3) | (byte)WireFormat.WireType.Varint;
    private const byte ResourcesTag = (2 << 3) | (byte)WireFormat.WireType.LengthDelimited;
    private const byte TrustBundlesTag = (3 << 3) | (byte)WireFormat.WireType.LengthDelimited;
}
