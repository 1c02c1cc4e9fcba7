using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Brokkr.Core.Filters.Cesql;

/// <summary>
/// <c>KN_VERIFY_CORRELATION_ID(replyId, name, namespace, secretName, podIdx, replicaCount)</c>: whether a reply answers a request that this pod of a RequestReply
/// has sent (source-channel-scheduling §12). The id is <c>ID:TOKEN:INDEX</c>; the token, in base64url, is a nonce of 12 bytes, the ID encrypted by AES-GCM, and a tag
/// of 16 bytes; the keys are those entries of the Secret whose name begins with <c>NAMESPACE.NAME.</c>.
/// </summary>
internal sealed class VerifyCorrelationNode(Node[] arguments) : BooleanNode(arguments)
{
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int MaxTokenBytes = 4096;

    public override bool TryBoolean(scoped ref Evaluation evaluation, out bool value)
    {
        value = false;
        if (
            !arguments[0].TryText(ref evaluation, out var replyId)
            || !arguments[1].TryText(ref evaluation, out var name)
            || !arguments[2].TryText(ref evaluation, out var namespaceName)
            || !arguments[3].TryText(ref evaluation, out var secretName)
            || !arguments[4].TryInteger(ref evaluation, out var pod)
            || !arguments[5].TryInteger(ref evaluation, out var replicas)
        )
        {
            return false;
        }

        var first = replyId.IndexOf((byte)':');
        var last = replyId.LastIndexOf((byte)':');
        if (
            first < 0
            || last == first
            || replyId[(first + 1)..last].Contains((byte)':')
            || !Casts.TryParse(replyId[(last + 1)..], out int index)
            || replicas <= 0
        )
        {
            evaluation.Fail(CesqlErrors.FunctionEvaluation);
            return false;
        }

        // The answer for all pods but one, and it needs no key.
        if (index % replicas != pod)
        {
            return true;
        }

        var token = replyId[(first + 1)..last];
        if (
            token.Length > MaxTokenBytes
            || evaluation.Keys?.Of(Encoding.UTF8.GetString(secretName)) is not { } entries
            || !TryDecode(token, out var sealedId)
        )
        {
            evaluation.Fail(CesqlErrors.FunctionEvaluation);
            return false;
        }

        var prefix = $"{Encoding.UTF8.GetString(namespaceName)}.{Encoding.UTF8.GetString(name)}.";
        foreach (var (entry, key) in entries)
        {
            if (entry.StartsWith(prefix, StringComparison.Ordinal) && Opens(key, sealedId, replyId[..first]))
            {
                value = true;
                break;
            }
        }

        return true;
    }

    private static bool TryDecode(ReadOnlySpan<byte> token, out ReadOnlySpan<byte> sealedId)
    {
        var bytes = new byte[Base64Url.GetMaxDecodedLength(token.Length)];
        var isGood =
            Base64Url.DecodeFromUtf8(token, bytes, out _, out var written) == OperationStatus.Done && written >= NonceSize + TagSize;
        sealedId = bytes.AsSpan(0, isGood ? written : 0);
        return isGood;
    }

    private static bool Opens(byte[] key, ReadOnlySpan<byte> sealedId, ReadOnlySpan<byte> expected)
    {
        if (key.Length is not (16 or 24 or 32) || sealedId.Length - NonceSize - TagSize != expected.Length)
        {
            return false;
        }

        Span<byte> id = new byte[expected.Length];
        using var cipher = new AesGcm(key, TagSize);
        try
        {
            cipher.Decrypt(sealedId[..NonceSize], sealedId[NonceSize..^TagSize], sealedId[^TagSize..], id);
        }
        catch (AuthenticationTagMismatchException)
        {
            // Made with another key: there can be several while they rotate.
            return false;
        }

        return id.SequenceEqual(expected);
    }
}
