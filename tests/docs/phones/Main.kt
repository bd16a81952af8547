// Uploads with the code of the page, and once more with the token that is used up by then.

import java.io.File
import okhttp3.HttpUrl.Companion.toHttpUrl
import okhttp3.OkHttpClient
import org.json.JSONObject

fun main(arguments: Array<String>) {
    val (server, id, token, file, other) = arguments
    val client = OkHttpClient()
    val receipt = upload(client, server.toHttpUrl(), id, token, File(file))
    val told = JSONObject().put("receipt", receipt)
    try {
        upload(client, server.toHttpUrl(), id, token, File(other))
    } catch (error: UploadFailed) {
        told.put("status", error.status).put("code", error.code).put("error", error.message)
    }
    println(told)
}
